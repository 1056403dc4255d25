/** Name of the variable that tells teardown and workers where everything of this run lies. */
export const FOLDER_OF_THE_RUN = "FOLDER_OF_THE_RUN";

/** @throws Error outside of jest, where nobody would remove what is put there */
export function folderOfTheRun(): string {
  const folder = process.env[FOLDER_OF_THE_RUN];
  if (folder === undefined) throw new Error("test/global-setup.ts did not run.");
  return folder;
}
