import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cachePath, fillCache, runCommand } from './cache.js';
import type { Part } from './part.js';

/** Official Java SDK of MaxCompute: run `java -cp <javaSdkClassPath> Some.java`. */
export const javaSdkClassPath = `${cachePath('java-sdk-0.53.2')}/*`;
export const javaSdk = jarPart('java-sdk', 'java-sdk-0.53.2', 'odps-sdk-core', '0.53.2-public');

/** Official JDBC driver of MaxCompute; it brings an SDK of its own. */
export const jdbcClassPath = `${cachePath('odps-jdbc-3.4.2')}/*`;
export const jdbc = jarPart('jdbc', 'odps-jdbc-3.4.2', 'odps-jdbc', '3.4.2');

function jarPart(name: string, folder: string, artifact: string, version: string): Part {
  return {
    name,
    missing: () =>
      existsSync(`${cachePath(folder)}/${artifact}-${version}.jar`)
        ? null
        : `${artifact} ${version} is not in .cache: npm test gets it by mvn; apt-get install default-jdk-headless maven`,
    async get(signal) {
      await fillCache(folder, async (target) => {
        mkdirSync(target, { recursive: true });
        writeFileSync(`${target}/pom.xml`, pom(artifact, version));
        const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
        await runCommand('mvn', ['-q', '-B', '-f', `${target}/pom.xml`, goal, `-DoutputDirectory=${target}`], signal);
      });
    },
  };
}

function pom(artifact: string, version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>mcsync</groupId><artifactId>parts</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>com.aliyun.odps</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`;
}
