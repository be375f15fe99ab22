"""Who may ask and from where: the head of a request goes in, a client with its policy and limits comes out, or a refusal."""
