export const revalidate = 3600;

/** None by the build: all contestants have what they have rendered themselves. */
export function generateStaticParams() {
  return [];
}

/** A page of middling size: 100 rows. */
export default function Page() {
  const rows = Array.from({ length: 100 }, (_, index) => index + 1);
  return (
    <main>
      <h1>Rendered every hour</h1>
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
