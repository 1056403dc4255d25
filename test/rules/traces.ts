/** Looks for secrets in files byte by byte, in every form in which a program may have held them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** As it stands between other bytes, encoded with them: the characters that its neighbours share are left out. */
function base64Within(secret: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), secret])
    .toString("base64")
    .replace(/=+$/, "");
  const whole = Math.floor(((before + secret.length) * 8) / 6);
  return text.slice(Math.ceil((before * 8) / 6), whole);
}

/** Text that a file could hold instead of the secret. */
export function formsOf(secret: string): readonly Buffer[] {
  const plain = Buffer.from(secret);
  const wide = Buffer.from(secret, "utf16le");
  const encoded = [0, 1, 2].map((before) => base64Within(plain, before));
  const texts = [
    ...encoded,
    ...encoded.map((each) => each.replaceAll("+", "-").replaceAll("/", "_")),
    plain.toString("hex"),
    encodeURIComponent(secret),
  ];
  return [plain, wide, Buffer.from(wide).swap16(), ...texts.map((text) => Buffer.from(text))];
}

/** Every regular file below a folder. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Name and file of each secret that a file below the folder holds in any form. `secrets`: by name. */
export function tracesIn(folder: string, secrets: Readonly<Record<string, string>>): readonly string[] {
  return filesBelow(folder).flatMap((file) => {
    const content = readFileSync(file);
    return Object.entries(secrets)
      .filter(([, secret]) => formsOf(secret).some((form) => content.includes(form)))
      .map(([name]) => `${name} in ${file.slice(folder.length + 1)}`);
  });
}
