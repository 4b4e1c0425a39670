const root = document.getElementById('playground');
if (typeof GraphiQL === 'undefined') {
  root.textContent = 'GraphiQL could not be loaded from its CDN.';
} else {
  const create = React.createElement;
  const send = GraphiQL.createFetcher({ url: location.pathname });
  const offersExplain = root.dataset.explain === 'true';
  let isExplained = false;
  const fetcher = (params, options) =>
    send(isExplained ? { ...params, extensions: { explain: true } } : params, options);
  const explain = create(
    'label',
    { style: { display: 'block', padding: '0.5em' } },
    create('input', {
      type: 'checkbox',
      onChange: (event) => {
        isExplained = event.target.checked;
      },
    }),
    ' Explain how operations are executed',
  );
  const parameters = new URLSearchParams(location.search);
  const props = { fetcher, shouldPersistHeaders: false };
  for (const name of ['query', 'variables', 'operationName']) {
    if (parameters.has(name)) props[name] = parameters.get(name);
  }
  const footer = offersExplain ? create(GraphiQL.Footer, null, explain) : null;
  ReactDOM.createRoot(root).render(create(GraphiQL, props, footer));
}
