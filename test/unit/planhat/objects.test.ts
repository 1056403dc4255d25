import {
  customField,
  customName,
  fieldSpec,
  hullAttribute,
  findField,
  OBJECT_TYPES,
  typeSpec,
} from "../../../src/services/planhat/object-types";
import { targetOf } from "../../../src/services/planhat/settings/target";
import { createPlanhatService } from "../../../src/services/planhat";
import { settingsOf } from "./messages";

describe("Planhat's object types", () => {
  it("come parents first, and children name their parent", () => {
    expect(OBJECT_TYPES.map((type) => [type.name, type.parent?.type])).toEqual([
      ["companies", undefined],
      ["endusers", "companies"],
      ["licenses", "companies"],
      ["activities", "endusers"],
    ]);
    expect(() => typeSpec("tickets")).toThrow(/tickets/);
  });

  it("know how fields compare", () => {
    expect(fieldSpec("endusers", "name").type).toBe("name");
    expect(fieldSpec("endusers", "createDate")).toEqual({ name: "createDate", type: "instant", writeOnce: true });
    expect(fieldSpec("endusers", "companyName").readOnly).toBe(true);
    expect(fieldSpec("companies", "tags").type).toBe("set");
    expect(fieldSpec("companies", "custom.name").type).toBe("any");
    expect(fieldSpec("companies", "constructor").type).toBe("any");
  });

  it("find a field by name or label in any case", () => {
    expect(["NAME", "full name", "fullName", "Name (*)"].map((text) => findField("endusers", text)?.name)).toEqual(
      Array(4).fill("name"),
    );
    expect(findField("companies", "Lifecycle Phase")?.name).toBe("phase");
    expect(findField("companies", "")).toBeUndefined();
    expect(findField("companies", "(*)")).toBeUndefined();
  });

  it("take custom names literally", () => {
    for (const name of ["a.b", "", "custom.x", "[0]"]) expect(customName(customField(name))).toBe(name);
    expect(customName("customer")).toBeUndefined();
  });
});

describe("the attribute that a field is written back to", () => {
  it.each([
    ["endusers", "_id", "planhat/id"],
    ["endusers", "lastName", "planhat/last_name"],
    ["companies", "lastUpdated", "planhat/last_updated_at"],
    ["endusers", "lastUpdated", "planhat/last_updated"],
    ["companies", "custom.NPS", "planhat/custom_nps"],
    ["companies", "custom.# Overdue Invoices", "planhat/custom_overdue_invoices"],
    ["companies", "custom.Größe (cm)", "planhat/custom_grosse_cm"],
    ["companies", "custom.a.b[0]", "planhat/custom_a_b_0"],
  ])("of %s %s is %s", (type, field, attribute) => {
    expect(hullAttribute(type, field)).toBe(attribute);
  });

  it("is one for letters with accents, however they are put together, and drops accents without end", () => {
    for (const name of ["custom.Caf\u00e9", "custom.Cafe\u0301", `custom.Cafe${"\u0301".repeat(50_000)}`]) {
      expect(hullAttribute("companies", name)).toBe("planhat/custom_cafe");
    }
  });

  it("has a name of its own even for a field of signs alone", () => {
    expect(hullAttribute("companies", "custom.###")).toMatch(/^planhat\/custom_[0-9a-f]{8}$/);
    expect(hullAttribute("companies", "custom.###")).not.toBe(hullAttribute("companies", "custom.%%%"));
  });
});

describe("the target of a tenant", () => {
  const of = (stored: Record<string, unknown>, key = "k") =>
    targetOf(settingsOf(stored), "https://{api_prefix}.planhat.example/", key);

  it("does not exist without a token", () => {
    expect(of({ personal_acccess_token: " " })).toBeUndefined();
  });

  it("is made of cluster and tenant, and shows no secret", () => {
    const target = of({ api_prefix: "api-us2", tenant_id: " t1 ", personal_acccess_token: "s3cret-token" });
    expect(target).toMatchObject({ baseUrl: "https://api-us2.planhat.example", account: "t1" });
    expect(JSON.stringify(target)).not.toContain("s3cret");
    expect(of({})).not.toHaveProperty("account");
  });

  it("has a fingerprint that moves with token, host, tenant and key, and a quota per token", () => {
    const settings = [{}, { personal_acccess_token: "b" }, { api_prefix: "api-eu" }, { tenant_id: "t" }];
    const targets = [...settings.map((stored) => of(stored)), of({}, "k2")];
    expect(new Set(targets.map((target) => target?.fingerprint)).size).toBe(5);
    expect(of({})?.quotaKey).toBe(of({ tenant_id: "t" })?.quotaKey);
    expect(of({})?.quotaKey).not.toBe(of({ personal_acccess_token: "b" })?.quotaKey);
  });
});

describe("the mapped fields", () => {
  it("hold what the connector sets on its own, too", () => {
    const service = createPlanhatService({ fingerprintKey: "k" });
    expect(service.mappedFields("endusers", settingsOf())).toEqual(["name", "email", "companyId"]);
    expect(service.mappedFields("companies", settingsOf())).toEqual(["name", "externalId"]);
    service.close();
  });
});
