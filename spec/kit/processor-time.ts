/**
 * Milliseconds of the processor that this process has taken. Laws that something comes to an end are held to
 * these: those of a clock go on while a busy machine does other work.
 */
export const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
