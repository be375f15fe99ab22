"""What is said in sounds and films: samples go in, transcripts with times come out, for all rules on texts."""
