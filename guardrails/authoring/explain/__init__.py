"""Why a policy judges a content as it does: a guard and a content go in, an `Explanation` of detectors, conditions and edits
comes out. For `cli`.
"""
