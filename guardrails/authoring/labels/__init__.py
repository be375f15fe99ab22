"""Labels of rows: what people call things goes in, the categories that are meant come out, and what is known of each."""
