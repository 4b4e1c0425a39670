export { PrismaPuff, type PrismaPuffOptions } from './prisma-puff.js';
