"""What is valid in a policy and surely not meant: a policy goes in, a report and fixes come out; the checks themselves stand in
`policy.lints`. For `cli`.
"""
