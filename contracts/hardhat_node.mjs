#!/usr/bin/env node
// A Hardhat node as a chain of its own: hardhat_node.mjs [--port N] [--chain-id N] [--no-mining]
// It holds no account's key and asks for no gas price, mines a block per transaction, listens on loopback only, compiles
// nothing, and asks nobody for anything: this is Hardhat's library, without the telemetry and updates of its command line.
import { parseArgs } from "node:util";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";

const { values: given } = parseArgs({
  options: {
    port: { type: "string", default: "8545" },
    "chain-id": { type: "string", default: "31337" },
    "no-mining": { type: "boolean", default: false },
  },
});
const scratch = new URL(".cache/hardhat/", import.meta.url).pathname; // git-ignored, and left empty
const config = {
  paths: { artifacts: `${scratch}artifacts`, cache: `${scratch}cache` },
  networks: {
    node: {
      type: "edr-simulated",
      chainType: "l1",
      hardfork: "cancun",
      chainId: Number(given["chain-id"]),
      accounts: [],
      gasPrice: 0,
      initialBaseFeePerGas: 0,
      blockGasLimit: 30_000_000,
      allowBlocksWithSameTimestamp: true, // else each block is a second later, and the chain's clock runs ahead of ours
      throwOnTransactionFailures: false, // as real nodes do: a transaction that reverts is in a block all the same
      mining: { auto: !given["no-mining"], mempool: { order: "fifo" } },
    },
  },
};
const hre = await createHardhatRuntimeEnvironment(config, {}, new URL(".", import.meta.url).pathname);
await hre.tasks.getTask("node").run({ hostname: "127.0.0.1", port: Number(given.port) });
