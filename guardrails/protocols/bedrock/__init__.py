"""Amazon Bedrock's Converse API: its field tables, its stream, its refusals. Read by wrapped clients alone."""
