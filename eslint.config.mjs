// Typed rules plus the one-way rule of the house: server → engine, services, hull → http, storage, coordination.
import js from "@eslint/js";
import regexp from "eslint-plugin-regexp";
import tseslint from "typescript-eslint";

/** Forbids imports that go against the direction of the house. `patterns` are relative import globs. */
const forbid = (files, patterns) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: patterns.map(([group, message]) => ({ group: [].concat(group), message })) },
    ],
  },
});

const noServer = [["**/server/**"], "Only tests and the process entry may know the server."];
const noSimulators = [["**/simulators/**"], "Production code never imports a simulator."];
const noDatabase = [
  [
    "**/storage/database/**",
    "**/storage/tables/**",
    "**/storage/erase/**",
    "**/storage/history/**",
    "**/storage/data-folder/**",
    "**/storage/{store,dry-run,mend,move,upgrade}",
    "**/coordination/{own-jobs,bull-jobs,redis-window,redis-places}",
  ],
  "Only server/{wiring,engine,coordination,open-store,storage/data-folder,storage/redis}.ts and server/cli/{connect,migrate,places}.ts reach an adapter; everybody else imports storage/port/.",
];
const noService = [
  ["**/services/*/**", "!**/services/mapping/**"],
  "The engine never imports a service; use the seam in services/{model,connection,service}.ts.",
];
const noEngine = [["**/engine/**"], "The lower floor does not know the engine."];
export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", "data/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
      // A fifth of the linter's time: there is no enum here, and no class whose likeness to another one could mislead.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "no-restricted-properties": [
        "error",
        { object: "URL", property: "canParse", message: "It is not always right; use readUrl of src/web-address.ts." },
      ],
    },
  },
  {
    // Texts come from outside. The strictest options: an expression is judged as if the worst text could follow, and
    // fragments and sticky ones count too. What begins with a fixed word is not judged at all, and neither is what
    // `new RegExp` composes: test/unit/linear-text.test.ts measures the functions themselves.
    files: ["src/**/*.ts", "server/**/*.ts", "simulators/**/*.ts", "bench/**/*.ts"],
    plugins: { regexp },
    rules: {
      "regexp/no-super-linear-backtracking": ["error", { report: "potential" }],
      "regexp/no-super-linear-move": ["error", { report: "potential", ignorePartial: false, ignoreSticky: false }],
    },
  },
  {
    // Words that are gone (docs/glossary.md), so that they do not come back.
    files: ["src/**/*.ts", "server/**/*.ts", "simulators/**/*.ts", "bench/**/*.ts", "scripts/**/*.ts", "test/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "Identifier[name=/letter_?desk|deed|sighting|patien(ce|tly)|passOver|quickLook|theatre|leash|(?<!in_)doubt|linger(?!_)|rehears|overlay|checkup|knownBy|tellQueue/i]",
          message: "This word is gone; docs/glossary.md has the one that is used.",
        },
      ],
    },
  },
  forbid(["src/engine/**/*.ts"], [noServer, noSimulators, noDatabase, noService]),
  forbid(["src/services/**/*.ts"], [noServer, noSimulators, noDatabase, noEngine]),
  forbid(["src/outcome/**/*.ts"], [noServer, noSimulators, noDatabase, noEngine, noService]),
  forbid(
    ["src/hull/**/*.ts"],
    [noServer, noSimulators, noDatabase, noEngine, [["**/services/**"], "Hull knows no service."]],
  ),
  forbid(
    ["src/http/**/*.ts", "src/coordination/**/*.ts", "src/storage/**/*.ts"],
    [noServer, noSimulators, noEngine, [["**/services/**", "**/hull/**"], "The lower floor knows nobody above it."]],
  ),
  forbid(["server/**/*.ts"], [noSimulators, noDatabase]),
  {
    files: [
      "server/wiring.ts",
      "server/engine.ts",
      "server/coordination.ts",
      "server/storage/data-folder.ts",
      "server/open-store.ts",
      "server/storage/redis.ts",
      "server/cli/connect.ts",
      "server/cli/migrate.ts",
      "server/cli/places.ts",
    ],
    rules: { "no-restricted-imports": "off" },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { globals: { module: "writable", require: "readonly", process: "readonly", console: "readonly" } },
  },
);
