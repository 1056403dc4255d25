/**
 * Loaded into the connector's process before its own code: when the demo ends, however it ends, its end of the pipe
 * closes and the connector ends with it. Nothing is closed in order, since the store is made for a sudden end.
 */
const { stdin } = process;

const leave = (): void => void process.kill(process.pid, "SIGKILL");

stdin.once("end", leave);
stdin.once("error", leave);
stdin.resume();
// An orderly stop must not wait for the pipe.
stdin.unref();
