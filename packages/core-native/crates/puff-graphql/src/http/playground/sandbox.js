const root = document.getElementById('playground');
if (typeof EmbeddedSandbox === 'undefined') {
  root.textContent = 'Apollo Sandbox could not be loaded from its CDN.';
} else {
  const parameters = new URLSearchParams(location.search);
  const initialState = { includeCookies: true };
  if (parameters.has('query')) initialState.document = parameters.get('query');
  new EmbeddedSandbox({
    target: '#playground',
    initialEndpoint: location.origin + location.pathname,
    endpointIsEditable: false,
    initialState,
  });
}
