/** The version of this program, as `package.json` has it; the build copies that file beside the compiled code. */
import packageJson from "../package.json";

export const PROJECT_VERSION = packageJson.version;
