"""A policy beside the operator's floor: both go in, what the policy tries and the floor undoes comes out."""
