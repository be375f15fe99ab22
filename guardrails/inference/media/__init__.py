"""Models for pictures and sounds: scores, boxes, texts and stretches of speech."""
