/**
 * Markup as a value. Whatever fills the gaps of a template is text and is escaped; only the result of another template
 * counts as markup. A gap inside a tag must be in double quotes, so no text can leave its element or its attribute.
 */
import escape from "lodash/escape";

/** Only `html` makes it; a string is never taken for it. */
export class Html {
  constructor(readonly markup: string) {}
}

export type Content = Html | string | number | false | undefined | readonly Content[];

/** Where a gap is. `tag`: between attributes, where only markup of our own is allowed. */
type Place = "text" | "quoted" | "tag";

/** The literal parts of a template are always the same object, so they are parsed once. */
const places = new WeakMap<TemplateStringsArray, readonly Place[]>();

/** `<p title="${text}">${text or html or a list of both}</p>`; `false` and `undefined` render as nothing. */
export function html(parts: TemplateStringsArray, ...gaps: readonly Content[]): Html {
  const known = places.get(parts) ?? placesOf(parts);
  places.set(parts, known);
  const filled = gaps.map((gap, index) => fill(gap, known[index] ?? "tag") + (parts[index + 1] ?? ""));
  return new Html((parts[0] ?? "") + filled.join(""));
}

/** A code, a name of a field or an address of ours, which may break behind the signs inside it, and nowhere else. */
export function code(text: string): Html {
  const words = text.split(/(?<=[_/.:-])(?=\w)/);
  const content = words.map((word, index) => [index > 0 && html`<wbr />`, word]);
  return html`<code>${content}</code>`;
}

/** Escapes text for use in an element or in a quoted attribute. */
export function escapeText(text: string): string {
  // Browsers drop some control characters and mishandle others; none is worth showing.
  // eslint-disable-next-line no-control-regex
  return escape(text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd"));
}

function fill(content: Content, place: Place): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Html) {
    if (place === "quoted") throw new Error("Markup cannot be the value of an attribute.");
    return content.markup;
  }
  if (typeof content === "string" || typeof content === "number") {
    if (place === "tag") throw new Error("A value inside a tag must stand in double quotes.");
    return escapeText(String(content));
  }
  return content.map((each) => fill(each, place)).join("");
}

function placesOf(parts: readonly string[]): readonly Place[] {
  let place: Place = "text";
  const found: Place[] = [];
  for (const part of parts.slice(0, -1)) {
    for (const character of part) place = placeBehind(place, character);
    found.push(place);
  }
  return found;
}

function placeBehind(place: Place, character: string): Place {
  switch (place) {
    case "text":
      return character === "<" ? "tag" : "text";
    case "quoted":
      return character === '"' ? "tag" : "quoted";
    case "tag":
      if (character === '"') return "quoted";
      return character === ">" ? "text" : "tag";
  }
}
