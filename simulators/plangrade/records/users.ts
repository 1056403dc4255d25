/** Users: the people who grant, and never a target of what is kept in step (sheet 1, 3). */
import { answer, created, deleted, shownUser, updated } from "../answers";
import { failure, invalid, type Problem } from "../failures";
import { checkFields, isEmail, TAKEN, type Rules } from "./check";
import { changedNames, tokenRoute, type ApiDeps, type ApiRoute, type UserRequest } from "./routes";

const rules: Rules<"name" | "email"> = {
  name: { isRequired: true },
  email: { isRequired: true, isValid: isEmail },
};

export function userRoutes({ records, books, switches }: ApiDeps): readonly ApiRoute[] {
  const notFound = () => failure(404, "Not found", switches);

  /** Users reach themselves alone. */
  function forSelf(use: (request: UserRequest) => ReturnType<typeof notFound>) {
    return (request: UserRequest) => {
      if (request.user.id === request.id) return use(request);
      return records.users.has(request.id) ? failure(switches.foreign, "Not found", switches) : notFound();
    };
  }

  function taken(email: string, ownId?: number): Problem[] {
    const isTaken = [...records.users.values()].some((user) => user.id !== ownId && sameText(user.email, email));
    return isTaken ? [{ field: "email", text: TAKEN }] : [];
  }

  const me = ({ user }: UserRequest) => {
    if (switches.me === "missing") return notFound();
    return { status: 200, body: switches.me === "bare" ? shownUser(user) : { user: shownUser(user) } };
  };

  return [
    {
      method: "POST",
      template: "/users",
      access: "application",
      handle({ fields, root }) {
        const { values, problems } = checkFields(rules, fields, undefined, switches);
        const all = [...problems, ...taken(values.email)];
        if (all.length > 0) return invalid(all, switches);
        const { id } = records.putUser({ id: records.newId("user"), ...values });
        books.wrote({ kind: "create", type: "user", id, changed: ["name", "email"], cascade: [] });
        return created(id, `${root}/users/${id}`, switches);
      },
    },
    tokenRoute("GET", "/me", me),
    tokenRoute("GET", "/me.json", me),
    tokenRoute("GET", "/users/:id", (request) => {
      if (switches.userRead === "missing") return notFound();
      return forSelf(({ user }) => answer("user", shownUser(user), switches))(request);
    }),
    tokenRoute(
      "PUT",
      "/users/:id",
      forSelf(({ user, fields }) => {
        const { values, problems } = checkFields(rules, fields, user, switches);
        const all = [...problems, ...taken(values.email, user.id)];
        if (all.length > 0) return invalid(all, switches);
        const after = records.putUser({ ...user, ...values });
        books.wrote({ kind: "update", type: "user", id: user.id, changed: changedNames(user, after), cascade: [] });
        return updated("user", user.id, shownUser(after), switches);
      }),
    ),
    tokenRoute(
      "DELETE",
      "/users/:id",
      forSelf(({ id }) => {
        records.remove("user", id);
        books.wrote({ kind: "delete", type: "user", id, changed: [], cascade: [] });
        return deleted(switches);
      }),
    ),
  ];
}

const sameText = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
