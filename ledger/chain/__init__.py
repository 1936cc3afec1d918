"""The chain: connection, contracts, logs, transactions and the local chain. The only importer of web3."""
