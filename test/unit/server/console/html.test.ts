import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { code, escapeText, html, type Html } from "../../../../server/console/html";

/** Texts that are keen on what means something in markup. */
const hostile = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(fc.constantFrom(`"`, "'", "<", ">", "&", "=", "/", "`", " ", "\0", "\n", "script", "&lt;", "-->", "x"), {
      maxLength: 20,
    }),
  )
  .map((each) => (typeof each === "string" ? each : each.join("")));

const DECODED: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": `"`,
  "&#39;": "'",
};

const decode = (text: string): string => text.replaceAll(/&[#\w]+;/g, (each) => DECODED[each] ?? `?${each}?`);

const isControl = (character: string): boolean =>
  (character < " " && !["\t", "\n", "\r"].includes(character)) || character === "\x7f";

describe("text in a template", () => {
  test("never leaves its element or its attribute, and means itself", () => {
    const mark = randomUUID();
    fc.assert(
      fc.property(hostile, (text) => {
        const { markup } = html`<p title="${mark}${text}${mark}">${mark}${text}${mark}</p>`;
        const [before = "", attribute = "", between = "", element = "", behind = ""] = markup.split(mark);
        expect([before, between, behind]).toEqual([`<p title="`, `">`, "</p>"]);
        for (const inside of [attribute, element]) {
          expect(inside).not.toMatch(/[<>"']/);
          expect(decode(inside)).toBe(
            Array.from(text)
              .map((each) => (isControl(each) ? "\ufffd" : each))
              .join(""),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [`<script>alert("1")</script>`, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"],
    [`" onload='x'`, "&quot; onload=&#39;x&#39;"],
    ["&lt;", "&amp;lt;"],
    ["a\0b", "a\ufffdb"],
    ["two\nlines\tand a tab", "two\nlines\tand a tab"],
  ])("%j becomes %s", (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });
});

describe("gaps", () => {
  const textOf = (content: Html): string => content.markup;

  test("take numbers, nothing, markup, and lists of all of them", () => {
    expect(textOf(html`<b>${0}${undefined}${false}${[html`<i>${"<"}</i>`, ["a", [2]]]}</b>`)).toBe(
      "<b>0<i>&lt;</i>a2</b>",
    );
    expect(textOf(html`<a class="x ${["a", "b"]}"></a>`)).toBe(`<a class="x ab"></a>`);
  });

  test("between attributes take markup of our own or nothing", () => {
    const disabled = (is: boolean) => html`<input ${is && html`disabled`} name="a" />`;
    expect([textOf(disabled(true)), textOf(disabled(false))]).toEqual([
      `<input disabled name="a" />`,
      `<input  name="a" />`,
    ]);
    // A greater-than sign in an attribute ends no tag.
    expect(() => html`<input title="a>b" ${"x"} />`).toThrow("double quotes");
  });

  test("refuse a text that could become an attribute, and markup that could end one", () => {
    expect(() => html`<input value=${"x"} />`).toThrow("double quotes");
    expect(() => html`<input ${"autofocus"} />`).toThrow("double quotes");
    expect(() => html`<${"b"}></${"b"}>`).toThrow("double quotes");
    expect(() => html`<p title="${html`<b title="x"></b>`}"></p>`).toThrow("attribute");
    expect(() => html`<p title="${[html`"`]}"></p>`).toThrow("attribute");
  });

  test("take what merely looks like markup for a list of texts, never for markup", () => {
    const forged = JSON.parse(`[{ "markup": "<b>" }]`) as readonly string[];
    expect(() => html`<p>${forged}</p>`).toThrow();
  });
});

test("a code may break behind the signs inside it, stays text, and reads as it is written", () => {
  const { markup } = code(`skipped/not_in.seg"<b>_`);
  expect(markup).toBe("<code>skipped/<wbr />not_<wbr />in.<wbr />seg&quot;&lt;b&gt;_</code>");
});
