export default function Page() {
  return <p>A fixture that asks a database.</p>;
}
