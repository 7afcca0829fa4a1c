import K3SeedCommands

@main
enum Main {
  static func main() {
    RootCommand.run()
  }
}
