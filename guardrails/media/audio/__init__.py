"""Opens sounds as recordings that can be listened to, with their channels."""
