// Loaded by `npm start` and the tools ahead of the compiled program: without one, Node would answer with a stack trace.
const { existsSync } = require("node:fs");

// As Node resolves it; an option such as --eval has none.
const [, program] = process.argv;
if (program !== undefined && !existsSync(program)) {
  process.stderr.write("Not built yet. Run `npm run build` first.\n");
  process.exit(1);
}
