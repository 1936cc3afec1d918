"""The console command `shareledger`: nouns and verbs, one module per noun. Nothing heavy is imported before it is used."""
