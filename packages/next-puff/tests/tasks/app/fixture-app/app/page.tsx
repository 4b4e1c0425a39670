export default function Page() {
  return <p>tasks</p>;
}
