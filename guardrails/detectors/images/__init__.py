"""What pictures show and what is written in them: pictures go in, findings with boxes, or texts with a map back, come out."""
