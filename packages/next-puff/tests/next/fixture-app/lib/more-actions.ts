import { contextName } from './record';

export const imported = async (word: string) => [contextName(), word];

export function makeActions() {
  return { destructured: async (word: string) => [contextName(), word] };
}
