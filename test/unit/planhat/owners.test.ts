import users from "../../fixtures/planhat/users-list.json";
import { createOwners } from "../../../src/services/planhat/api/owners";
import { pageOf, restOfPages } from "./fake-rest";

const directoryOf = (rows: readonly unknown[]) =>
  createOwners(
    restOfPages(() => pageOf(rows)),
    () => 0,
  ).directory();

describe("the team members", () => {
  it("are known by id and address, as Planhat really lists them", async () => {
    const directory = await directoryOf(users);
    const id = "39a44fdef9324bc092405e024b3b3584";
    expect(directory.find("ALPHA@example.org")).toBe(id);
    expect(directory.member(id)).toEqual({ name: "Alpha Exampleby", email: "alpha@example.org" });
    expect(directory.member("nobody")).toBeUndefined();
  });

  it("own nothing new once they are removed, and keep their names", async () => {
    const directory = await directoryOf([{ _id: "u1", email: "u@x.example", nickName: "U", removed: true }]);
    expect(directory.find("u1")).toBeUndefined();
    expect(directory.find("u@x.example")).toBeUndefined();
    expect(directory.member("u1")).toEqual({ name: "U", email: "u@x.example" });
  });

  it("may lack a name or an address", async () => {
    const directory = await directoryOf([{ _id: "u1", firstName: " ", email: "" }]);
    expect(directory.member("u1")).toEqual({ name: undefined, email: undefined });
  });
});
