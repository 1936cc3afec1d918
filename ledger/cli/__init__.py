"""The console command `shareledger`: one module per noun. Nothing heavy is imported before it is used."""
