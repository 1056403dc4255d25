/** `npm run send`, on this process's terminal. */
import { send } from "./tool";

// Whoever reads the first lines alone, such as head, has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

void send(process.argv.slice(2), {
  environment: process.env,
  print: (text) => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
}).then((code) => {
  process.exitCode = code;
});
