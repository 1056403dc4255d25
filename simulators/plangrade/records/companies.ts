/** Companies, and what plangrade itself writes about them (sheet 1, 3). */
import { answer, created, deleted, shownCompany, updated } from "../answers";
import { invalid, type Problem } from "../failures";
import { checkFields, isDigits, TAKEN, type Rules } from "./check";
import type { User } from "./model";
import { changedNames, createLookUp, tokenRoute, type ApiDeps, type ApiRoute } from "./routes";

export function companyRoutes({ records, books, switches }: ApiDeps): readonly ApiRoute[] {
  const lookUp = createLookUp({ records, switches });

  const rules = (): Rules<"name" | "ein"> => ({
    name: { isRequired: true },
    ein: { isRequired: true, isValid: isDigits(switches.einLength === "nine" ? 9 : undefined) },
  });

  /** Another company with this EIN. */
  function twin(user: User, ein: string, ownId: number | undefined, where: "account" | "everywhere") {
    const companies = where === "account" ? records.companiesOf(user.id) : [...records.companies.values()];
    return companies.find((company) => company.id !== ownId && company.ein === ein);
  }

  function taken(user: User, ein: string, ownId?: number): Problem[] {
    const { duplicateEin: where } = switches;
    const isTaken = where !== "accepted" && ein !== "" && twin(user, ein, ownId, where) !== undefined;
    return isTaken ? [{ field: "ein", text: TAKEN }] : [];
  }

  return [
    tokenRoute("GET", "/companies", ({ user }) => {
      const companies = records.companiesOf(user.id);
      return answer(
        "company",
        companies.map((each) => shownCompany(each, switches)),
        switches,
      );
    }),
    tokenRoute("POST", "/companies", ({ user, fields, root }) => {
      const { values, problems } = checkFields(rules(), fields, undefined, switches);
      const all = [...problems, ...taken(user, values.ein)];
      if (all.length > 0) return invalid(all, switches);
      const other = twin(user, values.ein, undefined, "account");
      const { id } = records.putCompany({ id: records.newId("company"), grade: "", managers: [user.id], ...values });
      books.wrote({ kind: "create", type: "company", id, changed: ["name", "ein"], cascade: [] });
      if (other !== undefined) books.duplicate({ type: "company", id, other: other.id, by: "ein" });
      return created(id, `${root}/companies/${id}`, switches);
    }),
    tokenRoute("GET", "/companies/:id", ({ user, id }) =>
      lookUp.company(user, id, (company) => answer("company", shownCompany(company, switches), switches)),
    ),
    tokenRoute("PUT", "/companies/:id", ({ user, id, fields }) =>
      lookUp.company(user, id, (before) => {
        const { values, problems } = checkFields(rules(), fields, before, switches);
        const all = [...problems, ...taken(user, values.ein, id)];
        if (all.length > 0) return invalid(all, switches);
        const after = records.putCompany({ ...before, ...values });
        books.wrote({ kind: "update", type: "company", id, changed: changedNames(before, after), cascade: [] });
        return updated("company", id, shownCompany(after, switches), switches);
      }),
    ),
    tokenRoute("DELETE", "/companies/:id", ({ user, id }) =>
      lookUp.company(user, id, () => {
        const cascade = records.remove("company", id);
        books.wrote({ kind: "delete", type: "company", id, changed: [], cascade });
        return deleted(switches);
      }),
    ),
    // Bare arrays in every version.
    tokenRoute("GET", "/activities", (request) =>
      lookUp.companyOfQuery(request, ({ id }) => ({ status: 200, body: records.activitiesOf(id) })),
    ),
    tokenRoute("GET", "/notices", (request) =>
      lookUp.companyOfQuery(request, ({ id }) => ({ status: 200, body: records.noticesOf(id) })),
    ),
  ];
}
