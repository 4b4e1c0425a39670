// A page of middling size: 100 rows.
export function Rows({ title }) {
  const rows = Array.from({ length: 100 }, (_, index) => index + 1);
  return (
    <main>
      <h1>{title}</h1>
      <ul>
        {rows.map((row) => (
          <li key={row}>
            <a href={`/rows/${row}`}>Row {row}</a> of {rows.length}
          </li>
        ))}
      </ul>
    </main>
  );
}
