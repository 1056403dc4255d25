/** What the server and its tools say of themselves, without a store, and how they are refused. */
import { admin } from "../../../server/cli/admin";
import { backup } from "../../../server/cli/backup";
import { check } from "../../../server/cli/check";
import { deadLetters } from "../../../server/cli/dead-letters";
import { migrate } from "../../../server/cli/migrate";
import { tenants } from "../../../server/cli/tenants";
import type { ExitCode, Terminal } from "../../../server/cli/tool";
import { serve } from "../../../server/main";
import packageJson from "../../../package.json";

const PROGRAMS = { start: serve, admin, backup, check, "dead-letters": deadLetters, migrate, tenants } as const;

/** A screen of a usual terminal. */
const SCREEN = { lines: 24, columns: 132 };

/** No store is there, and no variable can be used: whoever looked at either would say so. */
async function run(name: string, ...args: readonly string[]): Promise<{ code: ExitCode; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    environment: { DATA_DIR: "/nowhere", REDIS_URL: "nowhere", PORT: "none" },
    width: 200,
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
  };
  const code = await PROGRAMS[name as keyof typeof PROGRAMS](args, terminal);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

test("every script that runs the compiled server or a tool is among them", () => {
  const compiled = Object.entries(packageJson.scripts).flatMap(([name, script]) =>
    /^node .*dist\/server\/(main|cli\/)/.test(script) ? [name] : [],
  );
  expect(compiled.sort()).toEqual(Object.keys(PROGRAMS).sort());
});

describe.each(Object.keys(PROGRAMS))("npm run %s", (name) => {
  test("says on one screen how it is used", async () => {
    for (const option of ["--help", "-h"]) {
      const { code, out, err } = await run(name, option);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(name === "start" ? /^Usage: npm start / : new RegExp(`^Usage: npm run ${name}\\b`));
      const lines = out.split("\n");
      expect(lines.length).toBeLessThanOrEqual(SCREEN.lines);
      expect(lines.filter((line) => line.length > SCREEN.columns)).toEqual([]);
      expect(out).toContain("--version");
    }
  });

  test("says which version it is", async () => {
    expect(await run(name, "--version")).toEqual({ code: 0, out: packageJson.version, err: "" });
  });

  test("refuses an option that it does not know", async () => {
    const { code, out, err } = await run(name, "--nonsense");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^Unknown option '--nonsense'\.\n\nUsage: npm /);
  });
});

test("the server takes no argument, and names a variable that it cannot use", async () => {
  expect(await run("start", "now")).toMatchObject({ code: 2, out: "" });
  expect(await run("start")).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringContaining("PORT: must be") as unknown,
  });
});
