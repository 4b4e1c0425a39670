export default function handler(_request, response) {
  response.json({ old: true });
}
