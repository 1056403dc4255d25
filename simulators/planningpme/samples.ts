/** Templates: the two that every installation has since version 4.1.1.116, and some that a customer may have ordered. */
import type { Property, Template } from "./template";

const map = (list: string): readonly Property[] =>
  list
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", field = ""] = line.split("→").map((part) => part.trim());
      return { name, field };
    });

const always = { shouldInsert: true, shouldUpdate: true } as const;

/** Their properties are unknown (sheet 9): these are made up. */
export const stockTemplates: readonly Template[] = [
  {
    name: "client-import",
    direction: "in",
    description: "Import of customers",
    types: [
      {
        ...always,
        name: "Customer",
        key: "ID",
        properties: map(`
          ID → _ID
          Name → LastName
          Email → Email
          Phone → Phone
          Mobile → Mobile
          Address → Address
          Zip → Zip
          City → City`),
      },
    ],
  },
  {
    name: "project-import",
    direction: "in",
    description: "Import of projects",
    types: [
      {
        ...always,
        name: "Project",
        key: "ID",
        properties: map(`
          ID → _ID
          Name → Label
          Remark → Remark
          Start → StartDate
          End → EndDate`),
      },
    ],
  },
];

/** The sample of PlanningPME's page: individuals from another application (sheet 1). */
export const dossierImport: Template = {
  name: "dossier-import",
  direction: "in",
  description: "Import of individuals",
  types: [
    {
      ...always,
      name: "Customer",
      key: "ID_DOSSIER",
      defaults: [{ field: "Type", value: 1026 }],
      properties: map(`
        Nom usage → LastName
        Téléphone mobile → Mobile
        Email → Email
        ID_DOSSIER → _IDDOSSIER`),
    },
  ],
};

/** One row of the source becomes a customer and a project of that customer. */
export const orderImport: Template = {
  name: "order-import",
  direction: "in",
  description: "Import of orders",
  types: [
    { ...always, name: "Customer", key: "Account", properties: map("Account → _ID\nCompany → LastName") },
    {
      ...always,
      name: "Project",
      key: "Order",
      belongsTo: "Customer",
      properties: map("Order → _ID\nTitle → Label\nBudget → _BUDGET"),
    },
  ],
};

export const clientExport: Template = {
  name: "client-export",
  direction: "out",
  description: "Export of customers",
  types: [
    {
      ...always,
      name: "Customer",
      properties: map("ID → _ID\nNom → LastName\nE-mail → Email\nTéléphone mobile → Mobile\nVille → City"),
    },
  ],
};

/** One row per project, with fields of its customer. */
export const orderExport: Template = {
  name: "order-export",
  direction: "out",
  description: "Export of orders",
  types: [
    { ...always, name: "Project", properties: map("Order → _ID\nTitle → Label") },
    { ...always, name: "Customer", properties: map("Account → _ID\nCompany → LastName") },
  ],
};

/** What a customer may have ordered. */
export const orderedTemplates: readonly Template[] = [dossierImport, orderImport, clientExport, orderExport];
