"""One check from contents to outcome: detectors in tiers, rules, actions, coverage, under deadlines and on bounded workers."""
