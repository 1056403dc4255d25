/** A process of its own that locks the folder named on its command line, says so, and stays until it is killed. */
import { lockFolder } from "../../../src/storage/data-folder/exclusive";

const folder = process.argv[2];
if (folder === undefined) throw new Error("Name the folder to lock.");
void lockFolder(folder).then(() => {
  process.stdout.write("locked\n");
  setInterval(() => undefined, 60_000);
});
