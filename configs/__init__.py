"""Campaign files: their schema, and the campaigns that ship with speciate."""
