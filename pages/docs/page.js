/** Draws the description with Swagger UI; nobody but this server is asked for anything. */
globalThis.SwaggerUIBundle({
  url: globalThis.document.getElementById("api").dataset.description,
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // Its public validator would be sent the address of this server.
  validatorUrl: null,
});
