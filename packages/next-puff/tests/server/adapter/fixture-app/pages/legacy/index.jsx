export default function Legacy() {
  return <h1>legacy</h1>;
}
