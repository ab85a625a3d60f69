from edgefkp.cli import main

main()
