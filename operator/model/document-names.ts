/** Names of a task's documents: of ConfigMaps in a cluster, of files in a state folder. */
export const documentNames = {
  config: (task: string) => `${task}-config`,
  precheck: (task: string) => `${task}-precheck`,
  plan: (task: string) => `${task}-plan`,
  shard: (task: string, shard: number) => `${task}-shard-${shard}`,
  schema: (task: string) => `${task}-schema`,
  checkpoint: (task: string) => `${task}-checkpoint`,
};
