"""Models for pictures and sounds: pixels or samples go in, scores, boxes, texts or stretches of speech come out."""
