/** Rows in the layout that the template wants. Pure. */
import type { PlanningPmeSettings } from "../settings/settings";
import type { Row } from "./report";

/** @param rows one of them where the layout is `single` */
export function modelOf(
  rows: readonly Row[],
  { layout, modelProperty }: Pick<PlanningPmeSettings, "layout" | "modelProperty">,
): unknown {
  switch (layout) {
    case "list":
      return rows;
    case "items":
      return { items: rows };
    case "property":
      return { [modelProperty ?? "items"]: rows };
    case "single":
      return rows[0];
  }
}
