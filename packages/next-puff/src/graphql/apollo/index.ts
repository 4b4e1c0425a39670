export { type PuffGateway, puffGateway } from './gateway.js';
