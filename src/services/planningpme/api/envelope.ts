/** PlanningPME's answers, whose forms are described to its customers alone: each plausible one is read. Pure. */
import { isObject } from "../../../json";
import type { RemoteError } from "../../../http/errors";
import { isPage, wordsFrom } from "../../failure";

export type Fields = Readonly<Record<string, unknown>>;

export interface Template {
  readonly name: string;
  /** Undefined where the list does not say. */
  readonly direction: "in" | "out" | undefined;
  /** Undefined where the list does not name them. */
  readonly properties: readonly string[] | undefined;
  /** What else it says of itself, for people; undefined: nothing. */
  readonly description: string | undefined;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** A list of templates, bare, in `items`, or grouped as `{in: […], out: […]}`; undefined: no list. */
export function templatesIn(answer: unknown): readonly Template[] | undefined {
  if (isObject(answer) && (Array.isArray(answer["in"]) || Array.isArray(answer["out"]))) {
    return (["in", "out"] as const).flatMap((direction) => {
      const group = answer[direction];
      return Array.isArray(group) ? group.flatMap((each) => templateOf(each, direction)) : [];
    });
  }
  return rowsIn(answer)?.flatMap((each) => templateOf(each, undefined));
}

function templateOf(value: unknown, group: Template["direction"]): readonly Template[] {
  if (typeof value === "string")
    return [{ name: value, direction: group, properties: undefined, description: undefined }];
  if (!isObject(value)) return [];
  const { name, type, direction, properties, types, description } = value;
  if (typeof name !== "string" || name === "") return [];
  return [
    {
      name,
      direction: group ?? directionOf(type) ?? directionOf(direction),
      properties: propertiesOf(properties) ?? propertiesOf(types),
      description: typeof description === "string" && description !== "" ? description : undefined,
    },
  ];
}

function directionOf(mark: unknown): Template["direction"] {
  const word = typeof mark === "string" ? mark.trim().toLowerCase() : "";
  return word === "in" || word === "out" ? word : undefined;
}

/** Names, objects with a name, or types that hold such lists. */
function propertiesOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.flatMap((each: unknown): readonly string[] => {
    if (typeof each === "string") return [each];
    if (!isObject(each)) return [];
    const inside = propertiesOf(each["properties"]);
    return inside ?? (typeof each["name"] === "string" ? [each["name"]] : []);
  });
  return [...new Set(names)];
}

/** A list, bare or as the only one in an object; undefined: there is none. Nothing at all is an empty list. */
export function rowsIn(answer: unknown): readonly unknown[] | undefined {
  if (answer === undefined || answer === null || answer === "") return [];
  if (isList(answer)) return answer;
  if (!isObject(answer)) return undefined;
  if (isList(answer["items"])) return answer["items"];
  const [only, ...others] = Object.values(answer).filter(isList);
  return others.length === 0 ? only : undefined;
}

/** PlanningPME's own words in an error: a text first, a message in JSON second; a page says nothing. */
export function wordsIn(body: unknown): string {
  if (typeof body !== "string") return wordsFrom(messageIn(body));
  return wordsFrom(isPage(body) ? "" : body);
}

export const wordsOf = (error: RemoteError): string => wordsIn(error.body);

function messageIn(body: unknown): string {
  if (!isObject(body)) return "";
  for (const name of ["message", "Message", "error", "error_description", "title"]) {
    const said = body[name];
    if (typeof said === "string" && said !== "") return said;
  }
  return "";
}
