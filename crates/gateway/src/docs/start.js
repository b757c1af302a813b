// Which documents there are, the gateway tells; which of them is shown first, the page's address.
fetch("/_gateway/openapi")
  .then((answer) => answer.json())
  .then((urls) => {
    const name = decodeURIComponent(location.pathname.split("/")[3] || "");
    window.ui = SwaggerUIBundle({
      urls,
      "urls.primaryName": urls.some((document) => document.name === name) ? name : urls[0]?.name,
      dom_id: "#swagger-ui",
      deepLinking: true,
      displayRequestDuration: true,
      // It would ask a server elsewhere.
      validatorUrl: null,
      presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
      layout: "StandaloneLayout",
    });
  });
