export function getServerSideProps({ params }) {
  return { props: params };
}

export default function LegacyItem({ id }) {
  return <h1>{id}</h1>;
}
