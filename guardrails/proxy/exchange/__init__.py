"""The one path of every API: a request goes in, the judged answer comes out, buffered or streamed."""
